"""What does a run look like? One HTML file, drawn from the tables of a run folder and from the installed package."""
