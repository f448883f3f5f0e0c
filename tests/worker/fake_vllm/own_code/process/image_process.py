from config import BASE_SIZE, IMAGE_SIZE


class DeepseekOCRProcessor:
    def tokenize_with_images(self, images, bos, eos, cropping):
        (image,) = images
        return (image.mode, image.size, BASE_SIZE, IMAGE_SIZE, cropping)
