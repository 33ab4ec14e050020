"""One source for what the store node and the handheld both do.

Templates are Jinja2 and run on both sides: the node renders them with Jinja2, the handheld runs
what `templates.py` makes of their syntax trees. The compiler knows a short list of constructs
and refuses the rest when the node starts, so a construct that would mean something else on the
device cannot be used by mistake. `runtime.js` is what the compiled code stands on.
"""
