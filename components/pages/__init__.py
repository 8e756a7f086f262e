"""In: what a step found. Out: a page that opens offline, in the one look that all pages share.

A page is one file with no script and nothing from outside. A step brings its own templates, which
extend `frame.jinja` and draw with the macros of `shapes.jinja`.
"""

from components.pages.render import environment
from components.pages.scales import Scale, scale

__all__ = ["Scale", "environment", "scale"]
