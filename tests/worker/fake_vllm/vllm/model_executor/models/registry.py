class ModelRegistry:
    @classmethod
    def register_model(cls, name, model):
        print("registered", name, flush=True)
