"""Cards in PC/SC readers: vpcd's protocol, the desk with the readers of a workspace, and a binding of PC/SC."""
