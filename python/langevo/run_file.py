"""A run file as xarray data sets."""

import dataclasses
import math
import os
import tomllib

import netCDF4
import numpy
import xarray

NEWEST_FORMAT = 2  # attribute format_version; files without it are of version 1


class RunFileError(ValueError):
    """A file cannot be used as asked: one sentence with the file and what to do."""


@dataclasses.dataclass(eq=False)
class Run:
    """One run: the root and the groups of its file, loaded lazily. Close it, or use it in a ``with``.

    ``replicas`` is how many the means and variances are over. ``reference``, ``correspondence`` and ``quadrature`` are
    None where the run has none. Names and dimensions are those of the file; the states of the reference are
    ``reference["state"]`` also where an old file calls them otherwise.
    """

    path: str
    replicas: int
    root: xarray.Dataset
    ensemble: xarray.Dataset
    reference: xarray.Dataset | None
    correspondence: xarray.Dataset | None
    quadrature: xarray.Dataset | None = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for dataset in self._groups().values():
            dataset.close()

    def to_datatree(self) -> "xarray.DataTree":
        """All groups as one tree, which ArviZ 1 takes: ``tree["ensemble/loss_mean"]``. It lives as long as the run.

        @raise RunFileError  where xarray is older than 2024.10, which has no trees
        """
        if not hasattr(xarray, "DataTree"):
            raise RunFileError(f"xarray {xarray.__version__} has no trees; install 2024.10 or later")
        return xarray.DataTree.from_dict(self._groups(), name=os.path.basename(self.path))

    def _groups(self):
        groups = {
            "/": self.root,
            "/ensemble": self.ensemble,
            "/reference": self.reference,
            "/correspondence": self.correspondence,
            "/quadrature": self.quadrature,
        }
        return {name: dataset for name, dataset in groups.items() if dataset is not None}

    @property
    def configuration(self):
        """The options of the run as a dict; empty where they are not TOML."""
        try:
            return tomllib.loads(str(self.root.attrs.get("configuration", "")))
        except tomllib.TOMLDecodeError:
            return {}

    def setting(self, name: str):
        """An option of the run by its name on the command line, without dashes; None where it was not given."""
        return _find(self.configuration, name)

    def record_at(self, time: float | None = None) -> int:
        """The number of the record nearest to a time; None: of the last one.

        @raise RunFileError  where there is no record yet
        """
        times = self.ensemble["time"].values
        if not times.size:
            raise RunFileError(f"'{self.path}' holds no record yet; draw it later")
        return times.size - 1 if time is None else int(numpy.abs(times - time).argmin())

    def standard_error(self, quantity: str) -> xarray.DataArray | None:
        """Of the mean over replicas at every record, sqrt(variance / n): (time,) or (time, parameter).

        @param quantity  "loss" or "parameter"
        @return          None where the file has no variance; NaN for one replica
        """
        name = f"{quantity}_variance"
        return numpy.sqrt(self.ensemble[name] / self.replicas) if name in self.ensemble else None

    @property
    def lambda_(self):
        """Time of one mutation step in units of alpha; None where the file does not tell."""
        value = self.setting("lambda")
        if value is None and self.setting("dynamics") == "metropolis":
            # Sigma was given instead: t = alpha lambda n.
            alpha = self.setting("alpha")
            steps = float(self.ensemble["step"][-1]) if self.ensemble.sizes["time"] else 0
            if isinstance(alpha, float | int) and alpha * steps > 0:
                value = float(self.ensemble["time"][-1]) / (alpha * steps)
        return float(value) if isinstance(value, float | int) and math.isfinite(value) else None


def _find(table, key):
    """The first value of a key in nested tables, or None."""
    if key in table:
        return table[key]
    found = (_find(value, key) for value in table.values() if isinstance(value, dict))
    return next((value for value in found if value is not None), None)


def _open_group(path, group, groups):
    return xarray.open_dataset(path, group=group, engine="netcdf4") if group in groups else None


def _open_reference_of_version_1(path):
    """The states are called ``parameter`` like their dimension there, for which xarray before 2023.5 has no place."""
    dataset = xarray.open_dataset(path, group="reference", engine="netcdf4", drop_variables=["parameter"])
    with netCDF4.Dataset(path) as file:
        variable = file["reference/parameter"]
        attributes = {name: variable.getncattr(name) for name in variable.ncattrs()}
        dataset["state"] = (("time", "parameter"), variable[:].filled(), attributes)
    return dataset


def _format_version(path, file):
    """The file's version of the format.

    @param file  the open netCDF4.Dataset
    @raise RunFileError  where it is no run file, or a later version than this package knows
    """
    if "ensemble" not in file.groups or "langevo_version" not in file.ncattrs():
        raise RunFileError(f"'{path}' was not written by langevo; give a file that langevo run wrote")
    version = int(file.getncattr("format_version")) if "format_version" in file.ncattrs() else 1
    if version > NEWEST_FORMAT:
        raise RunFileError(
            f"'{path}' is a run file of version {version}, but this langevo knows versions up to {NEWEST_FORMAT}; "
            "read it with the langevo that wrote it, or a later one"
        )
    return version


def open_run(path: str | os.PathLike) -> Run:
    """Opens a run file (or the ``.partial`` one of a run that was stopped) as a Run."""
    path = os.fspath(path)
    if not os.path.exists(path):
        raise RunFileError(f"run file '{path}' does not exist; give a file that langevo run wrote")
    if os.path.isdir(path):
        raise RunFileError(f"run file '{path}' is a directory; give a file that langevo run wrote")
    try:
        with netCDF4.Dataset(path) as file:
            groups = set(file.groups)
            version = _format_version(path, file)
            replicas = len(file["ensemble"].dimensions["replica"])  # xarray drops dimensions without variables
        if version == 1 and "reference" in groups:
            reference = _open_reference_of_version_1(path)
        else:
            reference = _open_group(path, "reference", groups)
        return Run(
            path=path,
            replicas=replicas,
            root=xarray.open_dataset(path, engine="netcdf4"),
            ensemble=xarray.open_dataset(path, group="ensemble", engine="netcdf4"),
            reference=reference,
            correspondence=_open_group(path, "correspondence", groups),
            quadrature=_open_group(path, "quadrature", groups),
        )
    except RunFileError:
        raise
    except (OSError, RuntimeError, ValueError, LookupError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RunFileError(f"run file '{path}' cannot be read ({reason}); is it complete?") from error
