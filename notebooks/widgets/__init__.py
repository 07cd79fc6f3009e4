"""What a reader rather does than reads: an order form, a PIN pad, a profile slider, a document drop.

Each is one object in two dresses. In JupyterLab it shows controls; executed without a browser (in CI, in a static
page) it shows a table of the same values. Every click is a plain call of the same object, so a story may be told in
calls and tried by hand. Wrong input gives a sentence, never an error.
"""

from widgets.document_drop import DocumentDrop, document_drop
from widgets.order_form import OrderForm, order_form
from widgets.pin_pad import PinPad, pin_pad
from widgets.profile_slider import ProfileSlider, profile_slider

__all__ = [
    "DocumentDrop",
    "OrderForm",
    "PinPad",
    "ProfileSlider",
    "document_drop",
    "order_form",
    "pin_pad",
    "profile_slider",
]
