"""How fast and in how much memory logs land, beside the barest way to do it."""
