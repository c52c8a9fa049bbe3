"""Killable child processes: they alone touch pixels."""
