"""The few flags that matter here."""

import json
import os


class AsyncEngineArgs:
    @staticmethod
    def add_cli_args(parser):
        parser.add_argument("--model")
        parser.add_argument("--max-num-seqs", type=int)
        parser.add_argument("--block-size", type=int)
        parser.add_argument("--hf-overrides", type=json.loads)
        parser.add_argument("--trust-remote-code", action="store_true")
        if os.environ.get("FAKE_VLLM_TAKES_PROCESSORS"):
            parser.add_argument("--logits-processors", nargs="+")
        return parser

    @classmethod
    def from_cli_args(cls, known):
        arguments = cls()
        arguments.__dict__.update(vars(known))
        return arguments
