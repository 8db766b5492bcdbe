"""Where does it run? Child processes, their supervisor, typed records, run folders, and calls of implementations."""
