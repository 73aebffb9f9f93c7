"""A discrete-event simulation of an API gateway that writes Azure gateway logs with a known cause.

Nothing here is part of the product: it makes labelled incidents to test it with. What is not
simulated is said in the `.truth.json` beside each generated set of logs.
"""
