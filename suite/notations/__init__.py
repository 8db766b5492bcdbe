"""What does a source say? notation.toml, roles, weight maps, the glossary and the equations."""
