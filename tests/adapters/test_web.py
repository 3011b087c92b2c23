"""Who is trusted, through which proxy, with whose credentials, and what each failure says."""

import base64
import gzip
import io
import pickle
import socket
import threading
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gopack.adapters.goproxy import MAX_ZIP_BYTES, HttpSource
from gopack.adapters.web import TIMEOUTS_S, USER_AGENT, Web
from gopack.errors import IntegrityError, NotFoundError, UpstreamError
from gopack.spec.goenv import GoEnv
from gopack.spec.goproxy import GoMod, Info, VersionList
from gopack.spec.httpproxy import ProxySettings
from gopack.spec.module import ModuleVersion
from gopack.spec.netrc import parse_netrc
from tests.forward import ForwardProxy
from tests.tls import Authority
from tests.upstream import LOGIN_PAGE, Fault, Upstream

A = ModuleVersion("example.com/a", "v1.0.0")
LIST = VersionList(A.path)
SECRET = "s3cr3t"
PLAIN = {"Content-Type": "text/plain; charset=utf-8"}


@pytest.fixture
def web() -> Iterator[Web]:
    timeouts = dict(TIMEOUTS_S, read=0.5)
    made = Web(GoEnv(proxies=()), timeouts_s=timeouts, now=lambda: datetime(2024, 1, 1, tzinfo=UTC))
    yield made
    made.close()


@pytest.fixture
def source(upstream: Upstream, web: Web) -> HttpSource:
    upstream.add(A.path, A.version)
    return HttpSource(upstream.url, web)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


def trusting(authority: Authority, **settings: Any) -> Web:
    found: dict[str, Any] = {"cert_files": (str(authority.ca_file),), **settings}
    return Web(GoEnv(proxies=(), **found))


def failure(source: HttpSource) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        source.read(LIST)
    return caught.value


# What each failure says.


@pytest.mark.parametrize("status", [404, 410])
def test_read_status_not_found_is_told_with_the_servers_words(
    source: HttpSource, upstream: Upstream, status: int
) -> None:
    upstream.fail("*", Fault(status=status, headers=PLAIN, body=b"not found: gone fishing\n\nmore"))
    error = failure(source)
    assert isinstance(error, NotFoundError)
    assert error.where == A.path
    assert str(error).endswith("the server says: not found: gone fishing")
    assert (error.status, error.retryable) == (status, False)


@pytest.mark.parametrize(
    ("status", "retryable", "hint"),
    [
        (401, False, "netrc"),
        (403, False, "ask who runs it"),
        (407, False, "HTTPS_PROXY=http://user"),
        (418, False, ""),
        (429, True, "--jobs"),
        (500, True, ""),
        (502, True, ""),
        (503, True, ""),
        (501, False, ""),
        (511, False, "sign-in"),
        (204, False, ""),
    ],
)
def test_read_other_status_is_an_upstream_error(
    source: HttpSource, upstream: Upstream, status: int, *, retryable: bool, hint: str
) -> None:
    upstream.fail("*", Fault(status=status, body=b""))
    error = failure(source)
    assert not isinstance(error, NotFoundError)
    assert (error.status, error.retryable) == (status, retryable)
    assert hint in error.hint
    assert str(status) in str(error)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7.0), ("Mon, 01 Jan 2024 00:01:00 GMT", 60.0), ("soon", None), ("-1", None)],
)
def test_read_retry_after_is_read_as_seconds_or_date(
    source: HttpSource, upstream: Upstream, value: str, seconds: float | None
) -> None:
    upstream.fail("*", Fault(status=429, headers={"Retry-After": value}))
    assert failure(source).retry_after_s == seconds


def test_read_control_characters_of_the_server_are_not_shown(
    source: HttpSource, upstream: Upstream
) -> None:
    upstream.fail("*", Fault(status=500, headers=PLAIN, body=b"\x1b[2Jboo"))
    assert "boo" not in str(failure(source))


def test_read_truncated_body_is_retryable(source: HttpSource, upstream: Upstream) -> None:
    upstream.fail("*", Fault(truncate_at=3))
    error = failure(source)
    assert error.retryable
    assert "cut short" in str(error)


def test_copy_zip_shorter_than_announced_is_retryable(
    source: HttpSource, upstream: Upstream
) -> None:
    upstream.fail("*.zip", Fault(announce=10_000))
    with pytest.raises(UpstreamError, match=r"^example\.com/a@v1\.0\.0: .*cut short") as caught:
        source.copy_zip(A, io.BytesIO())
    assert caught.value.retryable


def test_copy_zip_longer_than_announced_takes_what_was_announced(
    source: HttpSource, upstream: Upstream
) -> None:
    """HTTP ends the body at Content-Length; the zip check finds what is missing."""
    upstream.fail("*.zip", Fault(announce=10))
    assert source.copy_zip(A, io.BytesIO()) == 10


def test_copy_zip_without_length_is_copied_to_the_end(
    source: HttpSource, upstream: Upstream
) -> None:
    upstream.fail("*.zip", Fault(without_length=True))
    target = io.BytesIO()
    source.copy_zip(A, target)
    assert target.getvalue() == upstream.files["/example.com/a/@v/v1.0.0.zip"][0]
    assert source.zip_size(A) is None


def test_copy_zip_announced_over_the_limit_is_refused(
    source: HttpSource, upstream: Upstream
) -> None:
    upstream.fail("*.zip", Fault(announce=MAX_ZIP_BYTES + 1))
    with pytest.raises(IntegrityError, match="larger than"):
        source.copy_zip(A, io.BytesIO())


def test_read_login_page_is_explained(source: HttpSource, upstream: Upstream) -> None:
    upstream.fail("*", LOGIN_PAGE)
    for ask in (
        lambda: source.read(LIST),
        lambda: source.read(Info(*A)),
        lambda: source.read(GoMod(A)),
        lambda: source.copy_zip(A, io.BytesIO()),
    ):
        with pytest.raises(UpstreamError, match="an HTML page instead") as caught:
            ask()
        assert "captive portal" in caught.value.hint
        assert not caught.value.retryable


def test_read_wrong_content_type_with_right_content_is_fine(
    source: HttpSource, upstream: Upstream
) -> None:
    upstream.fail("*", Fault(headers={"Content-Type": "text/html"}))
    assert source.read(LIST) == b"v1.0.0\n"


def test_read_answer_compressed_against_our_wish_is_decoded(
    source: HttpSource, upstream: Upstream
) -> None:
    gzipped = Fault(headers={"Content-Encoding": "gzip"}, body=gzip.compress(b"v1.2.3\n"))
    upstream.fail("*", gzipped)
    assert source.read(LIST) == b"v1.2.3\n"
    upstream.mend()
    upstream.fail("*", Fault(headers={"Content-Encoding": "gzip"}))
    assert failure(source).retryable


MANY = b"v1.2.3\n" * 40
# The time is fixed: the workers of one run each make these cases, and must name them alike.
GZIPPED, DEFLATED = gzip.compress(MANY, mtime=0), zlib.compress(MANY)
BARE = DEFLATED[2:-4]


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", GZIPPED + bytes(10)),
        ("gzip", GZIPPED + bytes(20_000)),
        (
            "gzip",
            gzip.compress(MANY[:7], mtime=0) + bytes(20_000) + gzip.compress(MANY[7:], mtime=0),
        ),
        ("deflate", DEFLATED + b"\n"),
        ("deflate", DEFLATED + DEFLATED * 500),
        ("deflate", BARE + b"\n" * 20_000),
    ],
)
def test_read_what_follows_a_compressed_body_is_ignored(
    source: HttpSource, upstream: Upstream, coding: str, body: bytes
) -> None:
    upstream.fail("*", Fault(headers={"Content-Encoding": coding}, body=body))
    assert source.read(LIST) == MANY


def test_read_garbage_behind_gzip_is_refused(source: HttpSource, upstream: Upstream) -> None:
    upstream.fail("*", Fault(headers={"Content-Encoding": "gzip"}, body=GZIPPED + b"\n"))
    failure(source)


def test_read_hang_up_without_an_answer_is_retryable(web: Web) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            server.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        error = failure(HttpSource(f"http://127.0.0.1:{server.getsockname()[1]}", web))
        thread.join()
    assert error.retryable


def test_read_reset_and_timeout_are_retryable(source: HttpSource, upstream: Upstream) -> None:
    upstream.fail("*", Fault(reset=True))
    assert failure(source).retryable
    upstream.mend()
    upstream.fail("*", Fault(delay_s=1.0), times=1)
    error = failure(source)
    assert error.retryable
    assert "time-out" in str(error)


def test_read_refused_connection_names_the_proxy(web: Web) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        error = failure(HttpSource(f"http://127.0.0.1:{port}", web))
    assert f"connection refused: http://127.0.0.1:{port}/example.com/a/@v/list" in str(error)
    assert error.retryable


def test_read_unknown_host_is_a_dns_failure(web: Web) -> None:
    error = failure(HttpSource("http://no-such-host.invalid", web))
    assert "DNS" in str(error)
    assert "GOPROXY" in error.hint


def test_read_no_http_at_all_is_an_upstream_error(web: Web) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        source = HttpSource(f"http://127.0.0.1:{port}", web)
        with pytest.raises(UpstreamError, match="time-out"):
            source.read(LIST)


# Requests.


def test_read_paths_queries_and_letters_are_escaped(upstream: Upstream, web: Web) -> None:
    upstream.put("base/x/example.com/!big/@v/v1.0.0+incompatible.info", b"{}")
    source = HttpSource(upstream.url + "//base/x/", web)
    assert source.read(Info("example.com/Big", "v1.0.0+incompatible")) == b"{}"
    assert upstream.log[0].headers["User-Agent"] == USER_AGENT
    assert "accept-encoding" in {name.lower() for name in upstream.log[0].headers}


def test_read_connection_is_kept_between_requests(source: HttpSource, upstream: Upstream) -> None:
    for _ in range(5):
        source.read(LIST)
    with pytest.raises(NotFoundError):
        source.read(VersionList("example.com/none"))
    source.read(LIST)
    assert upstream.connections == 1


def test_zip_size_costs_one_byte(source: HttpSource, upstream: Upstream) -> None:
    assert source.zip_size(A) == len(upstream.files["/example.com/a/@v/v1.0.0.zip"][0])
    source.zip_size(A)
    assert [asked.headers.get("Range") for asked in upstream.log] == ["bytes=0-0"] * 2
    assert upstream.connections == 1


def test_zip_size_is_known_from_a_server_without_ranges(
    source: HttpSource, upstream: Upstream
) -> None:
    upstream.fail("*.zip", Fault(headers={"X-Any": "1"}))
    assert source.zip_size(A) == len(upstream.files["/example.com/a/@v/v1.0.0.zip"][0])


def test_zip_size_may_be_unknown(source: HttpSource, upstream: Upstream) -> None:
    upstream.fail("*.zip", Fault(without_length=True))
    assert source.zip_size(A) is None


@pytest.mark.parametrize("size_bytes", [MAX_ZIP_BYTES + 1, 10**17])
def test_zip_size_over_the_limit_is_refused(
    source: HttpSource, upstream: Upstream, size_bytes: int
) -> None:
    told = {"Content-Range": f"bytes 0-0/{size_bytes}"}
    upstream.fail("*.zip", Fault(status=206, headers=told, body=b"P"))
    with pytest.raises(IntegrityError, match="larger than"):
        source.zip_size(A)


def test_read_partial_answer_nobody_asked_for_is_refused(
    source: HttpSource, upstream: Upstream
) -> None:
    upstream.fail("*/list", Fault(status=206))
    assert "206" in str(failure(source))


# Redirects.


def redirect(to: str, status: int = 302) -> Fault:
    return Fault(status=status, headers={"Location": to}, body=b"")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_read_redirect_is_followed(source: HttpSource, upstream: Upstream, status: int) -> None:
    upstream.put("elsewhere", b"v9.0.0\n")
    upstream.fail("*/list", redirect("/elsewhere", status))
    assert source.read(LIST) == b"v9.0.0\n"


def test_read_redirect_loop_ends(source: HttpSource, upstream: Upstream) -> None:
    upstream.fail("*", redirect("/again"))
    assert "stopped after 10 redirects" in str(failure(source))
    assert len(upstream.log) == 12, "the quick reader leaves it to Web after its first answer"


def test_read_redirect_from_https_to_http_is_refused(
    authority: Authority, upstream: Upstream
) -> None:
    with Upstream(tls=authority.server_context()) as secure:
        secure.fail("*", redirect(upstream.url + "/x"))
        web = trusting(authority)
        assert "to insecure URL" in str(failure(HttpSource(secure.url, web)))
        web.close()
    assert upstream.log == []


# Credentials.


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def with_login(url: str, login: str) -> str:
    return url.replace("://", f"://{login}@")


def test_read_credentials_of_the_url_are_sent_and_never_shown(authority: Authority) -> None:
    tls = authority.server_context()
    with Upstream(tls=tls, login=("me", SECRET + "@")) as secure:
        secure.add(A.path, A.version)
        web = trusting(authority)
        source = HttpSource(with_login(secure.url, f"me:{SECRET}%40") + "?token=t0ken", web)
        secure.files = {f"{path}?token=t0ken": body for path, body in secure.files.items()}
        assert source.read(LIST) == b"v1.0.0\n"
        secure.fail("*", Fault(status=500))
        error = failure(source)
        wrong = failure(HttpSource(with_login(secure.url, f"me:{SECRET}x"), web))
        web.close()
    assert wrong.status == 500
    for text in (str(error), repr(error), error.url, source.name, repr(source), str(vars(error))):
        assert SECRET not in text
        assert "t0ken" not in text


def test_read_netrc_is_used_over_https_and_the_url_wins(authority: Authority) -> None:
    with Upstream(tls=authority.server_context()) as secure:
        secure.add(A.path, A.version)
        host = secure.url.removeprefix("https://")
        machines = parse_netrc(f"machine {host} login net password rc")
        web = trusting(authority, machines=machines)
        HttpSource(secure.url, web).read(LIST)
        HttpSource(with_login(secure.url, "me:pw"), web).read(LIST)
        web.close()
        sent = [asked.headers.get("Authorization") for asked in secure.log]
    assert sent == [basic("net", "rc"), basic("me", "pw")]


def test_read_netrc_is_not_used_over_plain_http(upstream: Upstream) -> None:
    upstream.add(A.path, A.version)
    host = upstream.url.removeprefix("http://")
    machines = parse_netrc(f"machine {host} login net password rc")
    web = Web(GoEnv(proxies=(), machines=machines))
    HttpSource(upstream.url, web).read(LIST)
    web.close()
    assert "Authorization" not in upstream.log[0].headers


def test_read_credentials_do_not_follow_a_redirect_elsewhere(authority: Authority) -> None:
    with (
        Upstream(tls=authority.server_context()) as first,
        Upstream(tls=authority.server_context()) as second,
    ):
        first.put("near", b"")
        second.put("far", b"")
        first.fail("*/list", redirect(first.url + "/near"), times=1)
        first.fail("*/list", redirect(second.url + "/far"), times=1)
        web = trusting(authority)
        source = HttpSource(with_login(first.url, f"me:{SECRET}"), web)
        source.read(LIST)
        source.read(LIST)
        web.close()
        assert all("Authorization" in asked.headers for asked in first.log)
        assert [asked.headers.get("Authorization") for asked in second.log] == [None]


def test_read_credentials_over_plain_http_are_refused(upstream: Upstream, web: Web) -> None:
    error = failure(HttpSource(with_login(upstream.url, f"me:{SECRET}"), web))
    assert "insecure" in str(error)
    assert SECRET not in str(vars(error))
    assert upstream.log == []


# Trust.


def test_read_company_ca_is_trusted_by_file_or_folder(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "company.crt").write_bytes(b"comment\n" + authority.ca_file.read_bytes())
    with Upstream(tls=authority.server_context()) as secure:
        secure.add(A.path, A.version)
        for env in (
            GoEnv(proxies=(), cert_files=("/nonexistent", str(authority.ca_file))),
            GoEnv(proxies=(), cert_dirs=("/nonexistent", str(tmp_path))),
        ):
            web = Web(pickle.loads(pickle.dumps(env)))
            assert HttpSource(secure.url, web).read(LIST) == b"v1.0.0\n"
            web.close()


def test_read_unknown_ca_is_refused_with_a_hint(authority: Authority, tmp_path: Path) -> None:
    stranger = Authority(tmp_path)
    with Upstream(tls=authority.server_context()) as secure:
        web = trusting(stranger)
        error = failure(HttpSource(secure.url, web))
        web.close()
    assert "TLS certificate not trusted" in str(error)
    assert "SSL_CERT_FILE" in error.hint
    assert not error.retryable


def test_read_certificate_of_another_host_is_refused(authority: Authority) -> None:
    with Upstream(tls=authority.server_context("other.example")) as secure:
        web = trusting(authority, insecure="*")
        error = failure(HttpSource(secure.url, web))
        web.close()
    assert "TLS certificate not trusted" in str(error)


def test_read_https_from_a_plain_server_is_a_tls_failure(
    authority: Authority, upstream: Upstream
) -> None:
    web = trusting(authority)
    error = failure(HttpSource(upstream.url.replace("http", "https"), web))
    web.close()
    assert "TLS failure" in str(error)
    assert not error.retryable


def test_read_hang_up_while_tls_begins_is_retryable(authority: Authority) -> None:
    """As a server does that has too much to do."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            for _ in range(2):  # quick asks, then Web
                connection = listener.accept()[0]
                connection.recv(65536)
                connection.close()

        threading.Thread(target=hang_up, daemon=True).start()
        web = trusting(authority)
        error = failure(HttpSource(f"https://127.0.0.1:{listener.getsockname()[1]}", web))
        web.close()
    assert "the connection broke in TLS" in str(error)
    assert error.retryable


# Forward proxies.


@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_read_forward_proxy_carries_http_and_https(
    authority: Authority, upstream: Upstream, scheme: str
) -> None:
    upstream.add(A.path, A.version)
    with (
        ForwardProxy() as forward,
        Upstream(tls=authority.server_context("mods.example"), host="mods.example") as secure,
    ):
        secure.add(A.path, A.version)
        proxy = f"{scheme}://{forward.address}"
        web = trusting(authority, forward=ProxySettings(proxy, proxy))
        assert HttpSource(secure.url, web).read(LIST) == b"v1.0.0\n"
        plain = f"http://mods.example:{upstream.port}"
        assert HttpSource(plain, web).read(LIST) == b"v1.0.0\n"
        web.close()
        assert forward.asked == [f"mods.example:{secure.port}", f"mods.example:{upstream.port}"]


def test_read_no_proxy_goes_around(upstream: Upstream) -> None:
    upstream.add(A.path, A.version)
    with ForwardProxy() as forward:
        settings = ProxySettings(f"http://{forward.address}", "", "127.0.0.0/8")
        web = Web(GoEnv(proxies=(), forward=settings))
        assert HttpSource(upstream.url, web).read(LIST) == b"v1.0.0\n"
        web.close()
        assert forward.asked == []


def test_read_forward_proxy_login(authority: Authority) -> None:
    with (
        ForwardProxy(login=("me", SECRET)) as forward,
        Upstream(tls=authority.server_context("mods.example"), host="mods.example") as secure,
    ):
        secure.add(A.path, A.version)
        right = ProxySettings("", f"http://me:{SECRET}@{forward.address}")
        wrong = ProxySettings("", f"http://me:{SECRET}x@{forward.address}")
        web = trusting(authority, forward=right)
        assert HttpSource(secure.url, web).read(LIST) == b"v1.0.0\n"
        web.close()
        web = trusting(authority, forward=wrong)
        error = failure(HttpSource(secure.url, web))
        web.close()
    assert "the forward proxy wants credentials" in str(error)
    assert "HTTPS_PROXY" in error.hint
    assert SECRET not in str(error)


def test_read_forward_proxy_down_is_explained(web: Web, upstream: Upstream) -> None:
    settings = ProxySettings("http://127.0.0.1:1")
    down = Web(GoEnv(proxies=(), forward=settings))
    error = failure(HttpSource("http://mods.example", down))
    down.close()
    assert "connection refused" in str(error)
    assert "HTTPS_PROXY" in error.hint


def test_read_forward_proxy_is_asked_for_names_in_any_script(upstream: Upstream) -> None:
    upstream.add(A.path, A.version)
    with ForwardProxy() as forward:
        web = Web(GoEnv(proxies=(), forward=ProxySettings(f"http://{forward.address}")))
        source = HttpSource(f"http://bücher.example:{upstream.port}", web)
        assert source.read(LIST) == b"v1.0.0\n"
        web.close()
        assert forward.asked == [f"xn--bcher-kva.example:{upstream.port}"]
    assert upstream.log[0].headers["Host"] == f"xn--bcher-kva.example:{upstream.port}"
