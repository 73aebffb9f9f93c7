"""The engines that can answer, one file each."""
