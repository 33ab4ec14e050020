"""From tote to parcel to the waiting shelf."""
