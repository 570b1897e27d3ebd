"""Proofs under fire: commands that put the running bot under load and faults, and print what became of it."""
