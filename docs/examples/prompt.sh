# For ~/.bashrc or ~/.zshrc: the prompt begins with a mark as long as the world does not answer.
world_mark() { worldsetup status --quick --quiet --timeout 1s || printf '(no world) '; }
case ${ZSH_VERSION:+zsh} in
zsh) setopt PROMPT_SUBST ;;
esac
PS1='$(world_mark)'$PS1
