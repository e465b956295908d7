#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "langevo/run_file.hpp"
#include "netcdf.hpp"

/// The names, shapes and words of a run file (DESIGN.md section 7); the only place that knows them for
/// writing.
namespace langevo::run_file_layout {

/// Records are written in batches of at most so many ...
inline constexpr std::size_t records_per_batch = 64;
/// ... or about so many bytes.
inline constexpr std::size_t bytes_per_batch = std::size_t{16} << 20;

/// Everything but the records: attributes known at the start, problem, reference, empty variables.
void define(const netcdf::Group& root, const RunDescription& description, const Problem& problem,
            const ReferenceTrajectory* reference);

/// Writes records as numbers first, first + 1, ... of the time dimension.
void append(const netcdf::Group& root, const RunDescription& description, std::size_t first,
            std::span<const EnsembleRecord> records);

/// Attributes known at the end, and the group `correspondence`.
void complete(const netcdf::Group& root, const RunSummary& summary, const Correspondence* correspondence);

/// Numbers that data are: inputs, targets and weights.
std::size_t data_numbers(const Dataset& data);

/// What a file of so many records takes on disk, at the most.
double most_bytes(const RunDescription& description, std::size_t numbers_of_data, std::size_t records,
                  std::size_t reference_records);

/// Extents of one chunk of a variable (time, row...): about 1 MiB, rows whole where they fit, several records
/// where rows are short, and never more records than a file of ordinary length has.
std::vector<std::size_t> chunk_extents(const std::vector<std::size_t>& row);

}  // namespace langevo::run_file_layout
