from config import CROP_MODE, MODEL_PATH, TOKENIZER

assert CROP_MODE is False
assert MODEL_PATH and TOKENIZER


class DeepseekOCRForCausalLM:
    pass
