"""The table of options that set one setting each, with the commands that have them.

fetcher.cli.options adds them to the commands and reads their values.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class SettingOption(NamedTuple):
    """An option for a setting."""

    flags: str
    key: str  # of the setting
    metavar: str  # "": the option is a flag
    help: str
    commands: str  # that have the option


CRAWLS: Final = "crawl ventilator"  # the commands that begin a crawl
SETTING_OPTIONS: Final = (
    SettingOption(
        "--column",
        "input.url_column",
        "NAME",
        "The column of a CSV file that holds the URL",
        "run crawl ventilator",
    ),
    SettingOption(
        "--timeout",
        "http.total_timeout_s",
        "S",
        "Seconds that one attempt may take, redirects and all",
        "run crawl retry refresh get ventilator worker",
    ),
    SettingOption(
        "--header",
        "http.headers",
        "'NAME: VALUE'",
        "Also send this header with each request; may be repeated",
        "run crawl retry refresh get worker",
    ),
    SettingOption(
        "--bodies",
        "output.bodies",
        "MODE",
        "Keep bodies: none, inline (in the rows), files or warc",
        "run crawl retry refresh ventilator",
    ),
    SettingOption("--bodies", "output.bodies", "MODE", "none, or inline: in the row", "get"),
    SettingOption(
        "--workers",
        "worker.processes",
        "N",
        "Worker processes; default: one per core, one for a short list; needed with --engine",
        "run crawl retry refresh",
    ),
    SettingOption(
        "--processes", "worker.processes", "N", "Worker processes; 0: one per core", "worker"
    ),
    SettingOption(
        "--routes",
        "worker.routes",
        "NAME,…",
        "Serve only these routes of the job (default: all)",
        "worker",
    ),
    SettingOption(
        "--pool-size",
        "worker.pool_size",
        "N",
        "Fetches at the same time in each process",
        "run crawl retry refresh worker",
    ),
    SettingOption(
        "--batch-size",
        "job.batch_size",
        "N",
        "URL lines in one batch",
        "run crawl refresh ventilator",
    ),
    SettingOption(
        "--per-host",
        "polite.per_host",
        "N",
        "Requests to one host at the same time",
        "run crawl retry refresh get worker",
    ),
    SettingOption(
        "--delay",
        "polite.delay_s",
        "S",
        "Least seconds from one request to a host to its next",
        "run crawl retry refresh get ventilator worker",
    ),
    SettingOption(
        "--robots/--no-robots",
        "polite.robots",
        "",
        "Obey robots.txt, or not; a crawl obeys it unless you say otherwise",
        "run crawl retry refresh get ventilator worker",
    ),
    SettingOption(
        "--scope",
        "crawl.scope",
        "page|prefix|host|domain|any",
        "Which links are followed; default: those on the hosts of the seeds",
        CRAWLS,
    ),
    SettingOption(
        "--allow", "crawl.allow", "RE", "Follow only URLs in which RE is found; repeatable", CRAWLS
    ),
    SettingOption(
        "--deny", "crawl.deny", "RE", "Do not follow URLs in which RE is found; repeatable", CRAWLS
    ),
    SettingOption("--depth", "crawl.depth", "N", "Most links from a seed to a page", CRAWLS),
    SettingOption("--max-pages", "crawl.max_pages", "N", "Most pages in all", CRAWLS),
    SettingOption(
        "--max-pages-per-host", "crawl.max_pages_per_host", "N", "Most pages of one host", CRAWLS
    ),
    SettingOption(
        "--assets", "crawl.assets", "", "Also follow images, styles, scripts and media", CRAWLS
    ),
    SettingOption(
        "--sitemaps/--no-sitemaps",
        "crawl.sitemaps",
        "",
        "Also read the sitemaps of the seeds' hosts, or not",
        CRAWLS,
    ),
    SettingOption(
        "--engine",
        "engine.name",
        "NAME",
        "Who runs the workers: celery, command, dask, ray or spark; default: this host",
        "run crawl retry refresh",
    ),
    SettingOption(
        "--standing", "worker.standing", "", "Stay for the next job when one is complete", "worker"
    ),
    SettingOption(
        "--log-format",
        "log.format",
        "text|json",
        "json: one JSON object a line on stderr",
        "run crawl retry refresh get ventilator worker sink",
    ),
)
