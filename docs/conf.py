"""The documentation's settings: `make docs` builds it offline into docs/_build; a dead link or a reference to nothing fails the build."""

from importlib.metadata import version as installed

project = "Catchment"
version = installed("catchment")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.apidoc"]
exclude_patterns = ["_build"]
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "deflist"]
html_theme = "furo"
html_title = "Catchment"
html_show_copyright = False
templates_path: list[str] = []

# The reference: one page for each room, made from the docstrings.
apidoc_modules = [
    {
        "path": "../lib/catchment",
        "destination": "reference/api",
        "separate_modules": True,
        "module_first": True,
        "implicit_namespaces": False,
        "automodule_options": {"members", "undoc-members", "ignore-module-all"},
        "exclude_patterns": [
            "**/run/**",
            "**/cli.py",
            "**/params/convert.py",
            "**/params/load.py",
        ],  # no library, or shown by their package
    }
]
default_role = "code"  # `name` in a docstring is code
autodoc_typehints = "description"
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
autodoc_class_signature = "separated"
napoleon_google_docstring = False
napoleon_use_rtype = False
suppress_warnings = ["myst.header", "ref.python"]  # `share` and `high` name a field in several records
