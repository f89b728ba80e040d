"""Serves the maze: each host is a tools.site with pages of its own, at an address of its own."""

from __future__ import annotations

import asyncio

from tools.maze import graph, render
from tools.maze.graph import Size
from tools.site.answers import HTML, NOT_FOUND, Answer, Header, moved, page
from tools.site.routes import Shelf
from tools.site.server import Connection, Site

_COOKIE = b"\r\ncookie: seen=1"


class MazeSite(Site):
    """One host of the maze; its tally counts the requests."""

    def __init__(self, host: int, size: Size) -> None:
        super().__init__()
        self.host = host
        self.size = size
        self.origin = ""
        self.shelf = _MazeShelf(self)

    def connection(self) -> Connection:
        return _MazeConnection(self, asyncio.get_running_loop())


class _MazeConnection(Connection):
    __slots__ = ()

    def _find(self, target: bytes, head: bytes) -> Answer:
        if target.startswith(b"/bounce/"):
            if _COOKIE in head.lower():
                return page(200, b"<p>welcome", HTML)
            headers: list[Header] = [("Location", target), ("Set-Cookie", "seen=1; Path=/")]
            return page(302, b"again\n", headers=headers)
        return super()._find(target, head)


class _MazeShelf(Shelf):
    def __init__(self, site: MazeSite) -> None:
        super().__init__()
        self._site = site

    def find(self, target: bytes) -> Answer:
        """The answer of a request target; nothing is kept, as a crawl asks once."""
        try:
            return _answer(self._site, target.decode("ascii"))
        except ValueError:
            return NOT_FOUND


def _answer(site: MazeSite, target: str) -> Answer:
    match site.host:
        case graph.CALENDAR if target.startswith("/cal?"):
            links = graph.months_around(target)
        case graph.SESSIONS if target.startswith("/s?"):
            links = graph.sessions_after(target)
        case graph.SPIRAL if target.endswith("/"):
            body = b'<title>not found</title><a href="a/">up</a> <a href="b/">home</a>'
            return page(200, body, HTML)
        case graph.MAIN | graph.MIRROR:
            return _page(site, target)
        case _:
            return NOT_FOUND
    return _rendered(site, target, links, is_latin=False)


def _page(site: MazeSite, target: str) -> Answer:
    pages = graph.pages_of(site.host, site.size)
    to = graph.redirect_of(target, pages)
    if to is not None:
        return moved(to.encode(), 301 + graph.dice(target) % 2)
    number = graph.page_of(target)
    if number is None or number >= pages:
        return NOT_FOUND
    links = graph.links_of(number, site.size, pages)
    return _rendered(site, target, links, is_latin=graph.is_latin(number))


def _rendered(site: MazeSite, target: str, links: list[str], *, is_latin: bool) -> Answer:
    # The charset is in the document alone, so that a crawler must look for it there.
    return page(200, render.page(site.origin, target, links, is_latin=is_latin), "text/html")


async def serve(size: Size) -> list[MazeSite]:
    """Listen at 127.0.0.2 … 127.0.0.6, at ports that the kernel chooses."""
    sites = []
    for host in range(graph.HOSTS):
        site = MazeSite(host, size)
        address = f"127.0.0.{host + 2}"
        server = await asyncio.get_running_loop().create_server(
            site.connection, address, 0, backlog=4096
        )
        port = server.sockets[0].getsockname()[1]
        site.origin = f"http://{address}:{port}"
        sites.append(site)
    return sites
