import { type Actions, oneOf } from "./actions.ts";
import type { Command } from "./command.ts";

const ACTIONS: Actions = {
  load: async () => (await import("./boundaries/load.ts")).load,
  list: async () => (await import("./boundaries/list.ts")).list,
  versions: async () => (await import("./boundaries/list.ts")).versions,
};

export const boundaries: Command = {
  name: "boundaries",
  summary: "the areas that data packages are made for",
  help: `gyre boundaries load FILE [OPTIONS]
gyre boundaries list [--search TEXT] [--json]
gyre boundaries versions NAME [--json]

Works on the node's database, whether the node runs or not. A node without any has the countries of Natural Earth.
FILE is GeoJSON, GeoPackage, FlatGeobuf, GeoParquet or a Shapefile (with its parts, or zipped), in any CRS: all of it is
loaded or nothing. Names become a-z 0-9 _ -; features without name (or with -99) or without polygon are left out and
counted; rings that cross themselves are repaired and told. Older versions are kept.

      --name-column NAME       column of names (default: name)
      --long-name-column NAME  column of names for people (default: name_long, else that of names)
      --admin-level N          0 for countries (the default), 1 for what they consist of, ...
      --layer NAME             where FILE has several
      --replace                all others are taken away
      --search TEXT            part of a long name
  -c, --config FILE            gyre.yaml (default: ./gyre.yaml when it is there)
      --json                   one JSON object a line

Example:
  gyre boundaries load districts.gpkg --name-column code --long-name-column title --admin-level 2
  gyre boundaries list --search mbi`,

  run: oneOf(ACTIONS),
};
