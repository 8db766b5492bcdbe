"""What a notation's model really does on its probes, gathered as facts that nobody has judged yet."""
