"""What a night would take: photos counted, some of them measured, hours and money."""
