"""Sample days: short first-person videos drawn by chance, with what is true about them."""
