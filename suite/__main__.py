"""`python -m elbostone`."""

from .cli import main

main()
