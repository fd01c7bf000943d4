"""A server of a model's whole matrix (the extra ``serve``), and a playground in the browser (the extra ``playground``)."""
