"""The first page: what is offered, what is worked on, what is ready; accepting and declining."""
