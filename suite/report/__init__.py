"""How do commands read options and print tables? The options, the console and the tables that all verbs share."""
