"""What the playground's page asks for; Gradio's other routes, uploads and endless streams among them, are closed."""

from collections.abc import Mapping

from pydantic import BaseModel, Field, ValidationError
from starlette.types import ASGIApp, Receive, Scope, Send

from hyperx.serve.guard import refuse, replay
from hyperx.serve.limits import Refusal

JOIN = "/gradio_api/queue/join"
# The last is Gradio's own, asked for when it starts alone.
PAGES = ("/", "/theme.css", "/gradio_api/queue/data", "/gradio_api/startup-events")
FILES = ("/assets/", "/static/")
BODY_BYTES = 1 << 16  # the longest text, escaped, and its cells


class Event(BaseModel):
    """What the page sends when something is typed or chosen.

    Attributes:
        fn_index: which of the page's functions is to run.
        data: its arguments, the text and the chosen pairs, or none.
        session_hash: what the page calls itself.
        trigger_id: the part of the page that it comes from.
    """

    fn_index: int
    data: tuple[str, list[str]] | tuple[()]
    session_hash: str = Field(pattern="^[a-z0-9]{1,32}$")
    trigger_id: int | None = None


class Gate:
    """Lets through what the page asks for, and of an event what `app` needs to know.

    Gradio prints what went wrong in a function, and the arguments with it; so none is called with others than it takes.

    Args:
        functions: how many arguments each of the page's functions takes.
    """

    def __init__(self, app: ASGIApp, *, functions: Mapping[int, int]) -> None:
        self.app = app
        self.functions = functions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        method = scope["method"]
        try:
            if method == "POST" and path == JOIN:
                receive = await self._event(receive)
            elif method not in ("GET", "HEAD") or not (path in PAGES or path.startswith(FILES)):
                raise Refusal(404, "not_found", "Not Found")
        except Refusal as refusal:
            return await refuse(send, refusal)
        await self.app(scope, receive, send)

    async def _event(self, receive: Receive) -> Receive:
        """Read and check an event, and return what gives it to the application.

        Raises:
            Refusal: it is not one of the page's.
        """
        body, more = b"", True
        while more and len(body) <= BODY_BYTES:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        try:
            event = Event.model_validate_json(body[: BODY_BYTES + 1])
        except ValidationError:
            event = None
        if len(body) > BODY_BYTES or event is None or self.functions.get(event.fn_index) != len(event.data):
            raise Refusal(422, "invalid_request", "The playground's page sends no such event.")
        return replay(event.model_dump_json().encode(), receive)
