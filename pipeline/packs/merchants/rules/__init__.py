"""The rules of merchants, one file each; the longer ones have helpers beside them."""
