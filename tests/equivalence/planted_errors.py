"""The errors that are planted, as data: each an edit of a notation's files, and the tensor that has to be named."""

from equivalence.planted_families import OF_FAMILIES
from equivalence.planted_layouts import LAYOUTS
from equivalence.planted_values import VALUES

PLANTED = (*VALUES, *LAYOUTS, *OF_FAMILIES)
