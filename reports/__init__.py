"""Report content: templates, styles and fonts, one section a file."""
