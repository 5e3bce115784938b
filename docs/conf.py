"""Configuration of the documentation."""

from importlib.metadata import version as _version
from pathlib import Path

from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst

project = "ecg-anomaly"
author = "The ecg-anomaly developers"
release = version = _version("ecg-anomaly")
extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
]
autosummary_generate = True
numpydoc_show_class_members = False
_shown = set()


def figure_scraper(block, block_vars, gallery_conf):
    """Show the figures that a block made; the package's figures are none of pyplot's."""
    paths = []
    for value in block_vars["example_globals"].values():
        if isinstance(value, Figure) and id(value) not in _shown:
            _shown.add(id(value))
            paths.append(next(block_vars["image_path_iterator"]))
            value.savefig(paths[-1], dpi=100)
    return figure_rst(paths, gallery_conf["src_dir"])


sphinx_gallery_conf = {
    "image_scrapers": (figure_scraper,),
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "download_all_examples": False,
    "show_memory": False,
}
suppress_warnings = ["config.cache"]
exclude_patterns = ["_build", "_templates"]
templates_path = ["_templates"]
html_theme = "pydata_sphinx_theme"
html_title = "ecg-anomaly"
# pages without pages below them have no navigation to show beside them
html_sidebars = {path.stem: [] for path in Path(__file__).parent.glob("*.md")}
