"""What shoppers, staff, tills and headquarters do, one deed a step. They look at the store's pages (its
tables), at what really lies on the shelf, and then do what people do: mostly the right thing."""

from __future__ import annotations

from tests.simulation.people.headquarters import Headquarters
from tests.simulation.people.picking import Picking
from tests.simulation.people.returns import Returns
from tests.simulation.people.shelf import Shelf
from tests.simulation.people.shoppers import Shoppers
from tests.simulation.people.tills import Tills


class People(Shoppers, Picking, Tills, Shelf, Returns, Headquarters):
    def deed(self, name: str) -> None:
        getattr(self, name)()
