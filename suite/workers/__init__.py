"""Where does it run? Child processes, their supervisor, typed records, run folders, and an implementation called."""
