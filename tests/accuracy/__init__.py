"""How often the diagnosis is right, measured on simulated gateways whose truth is known."""
