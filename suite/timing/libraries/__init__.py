"""Other libraries' VAEs, each as its own documentation has it; their files alone import them."""
