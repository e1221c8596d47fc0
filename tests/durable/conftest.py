import pytest

from kit import Puppet
from shapes import check_response


@pytest.fixture(autouse=True)
def every_response_has_its_form(lam):
    lam.meta.events.register("after-call.lambda", check_response)


@pytest.fixture
def puppet(server, name):
    one = Puppet(server, name)
    yield one
    one.stop_all()


@pytest.fixture
def puppets(server, name):
    """puppets(durable=..., ...): with another configuration, or several."""
    made = []

    def make(**more):
        made.append(Puppet(server, f"{name}-{len(made)}", **more))
        return made[-1]

    yield make
    for one in made:
        one.stop_all()
