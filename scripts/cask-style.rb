# frozen_string_literal: true

# Usage: ruby cask-style.rb CASK [HOMEBREW]. Checks the style of a cask with rubocop, as `brew style` does, where brew
# cannot be installed. With a clone of Homebrew it takes Homebrew's own cops for casks and its configuration, as far as
# this rubocop knows it. Without one it takes cask-rubocop.yml.
require "pathname"
require "rubocop"
require "tmpdir"
require "yaml"

# What goreleaser's template is known to do otherwise, and `brew style --fix` corrects in the tap: on_intel before on_arm,
# url before sha256, an empty line between on_macos and on_linux and at the end, and a list of one dependency.
KNOWN = %w[
  Cask/StanzaOrder Cask/StanzaGrouping Layout/EmptyLinesAroundBlockBody Layout/FirstArrayElementIndentation
].freeze

# load_cops loads Homebrew's cops for casks, without the rest of Homebrew.
def load_cops(library)
  $LOAD_PATH.unshift(library.to_s, *Dir[(library/"vendor/bundle/ruby/*/gems/sorbet-runtime-*/lib").to_s])
  %w[sorbet-runtime extend/module extend/array extend/blank macos_version rubocops/rubocop-cask rubocops/blank
     rubocops/present rubocops/presence rubocops/no_base64 rubocops/no_fileutils_rmrf rubocops/shell_commands
     rubocops/os_depends_on].each { |name| require name }
end

# known_part returns what this rubocop knows of a configuration.
def known_part(config)
  registry = RuboCop::Cop::Registry.global
  config.slice(*registry.names, *registry.departments.map(&:to_s), "inherit_mode")
end

cask, homebrew = ARGV
here = Pathname(__dir__)
if homebrew
  library = Pathname(homebrew).realpath/"Library"
  load_cops(library/"Homebrew")
  config = known_part(YAML.unsafe_load_file(library/".rubocop.yml"))
else
  config = YAML.load_file(here/"cask-rubocop.yml")
end
config["AllCops"] = { "NewCops" => "enable", "SuggestExtensions" => false }

Dir.mktmpdir do |dir|
  # Some cops are for files in a directory of this name.
  copy = Pathname(dir)/"Casks"/File.basename(cask)
  copy.dirname.mkpath
  copy.write(File.read(cask))
  (Pathname(dir)/".rubocop.yml").write(config.to_yaml)
  options = %w[--cache false --format simple]
  Dir.chdir(dir) do
    known = KNOWN & RuboCop::Cop::Registry.global.names
    failed = RuboCop::CLI.new.run([*options, "--except", known.join(","), copy.to_s])
    exit failed unless failed.zero?

    # What is known can be corrected, and then nothing is left.
    RuboCop::CLI.new.run(["--cache", "false", "--format", "quiet", "--autocorrect-all", "--out", File::NULL, copy.to_s])
    failed = RuboCop::CLI.new.run([*options, copy.to_s])
    exit failed unless failed.zero?
  end
end
puts "cask-style: #{homebrew ? "Homebrew's cops have" : 'rubocop has'} nothing against #{File.basename(cask)}"
