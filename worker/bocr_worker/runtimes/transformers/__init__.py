"""Vision-language models through the library transformers, in child processes, one for each GPU of a job."""
