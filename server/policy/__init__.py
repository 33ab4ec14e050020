"""What HQ decides as numbers: deadlines, holds, caps."""
