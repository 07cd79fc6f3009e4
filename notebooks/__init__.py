"""The notebooks, and how they are executed and compared."""
