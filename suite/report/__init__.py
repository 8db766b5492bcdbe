"""How is it asked and shown? The options, the console and the tables that all verbs share."""
