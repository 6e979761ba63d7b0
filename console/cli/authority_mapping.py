"""`camsla authority mapping`: how the files of one office are read, saved by name."""

from __future__ import annotations

import json
from pathlib import Path

import click

from config.load import load_model
from console.app import database
from console.authority import receiving
from console.authority.mapping import Mapping
from console.authority.proposal import proposal
from console.authority.reading import Asked, read_authority
from console.authority.terms import terms_for
from console.cli.frame import (
    Session,
    actor_option,
    answering,
    existing,
    json_option,
    pass_session,
    print_json,
    print_table,
    write_out,
)
from settlement.store import authority as store

MAX_NAME = 64


@click.group()
def mapping() -> None:
    """映射：某单位的表头怎么读 mappings of headings."""


@mapping.command(short_help="保存映射 save a mapping")
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path))
@actor_option
@pass_session
@answering
def save(session: Session, name: str, file: Path, actor: str) -> None:
    """把 FILE（YAML）存为映射 NAME；改动存为新版本 save FILE as a mapping; a change is a further version."""
    plain = receiving.mapping_name(name, "name")
    found = load_model(existing(file, "mapping"), Mapping)
    at = database.now()
    with database.open_writer(session.settings) as writer, writer.transaction() as connection:
        label, added = receiving.add_mapping(writer, connection, plain, found, at=at, actor=actor)
    click.echo(f"{'已保存 saved' if added else '没有变化 no change'}: {label}")


@mapping.command("list", short_help="列出映射 list the mappings")
@json_option
@pass_session
@answering
def list_(session: Session, as_json: bool) -> None:
    """列出已存映射的最新版本 list the newest versions."""
    with database.reader(session.settings) as connection:
        rows = store.list_mappings(connection)
    if as_json:
        print_json(
            [{"name": row.name, "version": row.version, "actor": row.actor, **json.loads(row.body)} for row in rows]
        )
        return
    print_table(
        "映射 mappings",
        [("名称 name", False), ("版本 version", True), ("保存 by", False), ("内容 body", False)],
        [(row.name, row.version, row.actor, row.body) for row in rows],
    )


@mapping.command(short_help="由表头猜出映射 propose one from a file's headings")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--contract", required=True, help="合同编号或文件 contract, stored or a file")
@click.option("--period", help="表中未写的期间 the period where the file names none")
@click.option("--out", type=click.Path(path_type=Path), help="写到文件 write to a file")
@pass_session
@answering
def propose(session: Session, file: Path, contract: str, period: str | None, out: Path | None) -> None:
    """读 FILE 的表头，给出可改后保存的映射 print what each heading was taken for, as a mapping to correct and save."""
    terms = terms_for(session.settings, contract)
    # A proposal is of headings: a sheet without a year is no reason to refuse it.
    read = read_authority(existing(file, "authority"), terms, Mapping(), Asked(period), headings_only=True)
    write_out(out, proposal(read))
