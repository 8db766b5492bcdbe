"""How fast is it? The stages of proven cells are timed, and compared with the limits of the machine."""
