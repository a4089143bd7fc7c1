"""The walls around a question that somebody else wrote: a process that can do little else than answer.

    kernel.py    what the operating system refuses: files, network, other processes, memory, processor time
    filters.py   of it the list of system calls, as the program that the kernel runs (pure)
    reading.py   what the question itself may hold
    frames.py    how the two processes speak: pieces with a kind and a length
    child.py     the process: walls up, then DuckDB with its settings locked, then one question

Each wall holds alone; tests/contract/test_walls.py takes the others down and attacks it.
"""
