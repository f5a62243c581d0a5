"""What every other package uses: errors, types, the registry of methods, the pool, random streams, files and YAML."""
