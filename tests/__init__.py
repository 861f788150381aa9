import sys

# What pytest makes of a test is compiled once, and not anew in each of four processes.
sys.dont_write_bytecode = False
