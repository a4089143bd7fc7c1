"""How the month will end for the programmes of card networks and the law."""
