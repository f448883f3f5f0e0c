"""What engines that are vision-language models share: how they are asked, served and understood."""
