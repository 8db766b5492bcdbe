"""How fast is it? The stages of a proven cell, timed, and held against the limits of the machine."""
