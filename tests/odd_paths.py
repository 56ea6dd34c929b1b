"""Paths that are no file, made where a file is looked for."""

import os


def dangling_link(path):
    path.symlink_to("nowhere")


def link_to_itself(path):
    path.symlink_to(path.name)


def named_pipe(path):
    os.mkfifo(path)
